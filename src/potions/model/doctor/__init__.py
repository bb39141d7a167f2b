"""What the doctor says of what was seen: values in, findings out. A file a concern, each with the codes it knows."""
