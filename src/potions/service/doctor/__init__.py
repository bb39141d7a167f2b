"""The doctor: compares what is with what should be, says what to run, and mends what can be mended safely."""
