"""The commands of `cbc corpus`, in files by what they are for. Only arguments are read here."""
