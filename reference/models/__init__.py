"""The networks.

The course's modules and its network (P16, P22), VGG16 and its variants (P25), and the registry of
names for `course models` and `course train --model`.
"""
