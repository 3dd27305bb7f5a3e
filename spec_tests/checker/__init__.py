"""Tests of `course check`: the rules, files that do not parse, fixes, the command."""
