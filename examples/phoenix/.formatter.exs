[
  import_deps: [:phoenix],
  line_length: 120,
  inputs: ["*.{ex,exs}", "{config,lib}/**/*.{ex,exs}"]
]
