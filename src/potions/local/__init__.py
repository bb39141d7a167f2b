"""Files and folders of this computer, on their way to a storage or from one."""
