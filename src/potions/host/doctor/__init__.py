"""How the doctor looks: at paths, processes, ports, disks and storages. Nothing here changes a thing."""
