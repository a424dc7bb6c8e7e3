"""Console scripts with the tools' own names, over the wheels that bundle the same C code.

They exist so that a rule's shell command is the same with and without conda.
"""
