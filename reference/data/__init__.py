"""From image files to batches of tensors.

Folders of images and their labels (P6-P7), transforms (P10-P13), CIFAR-10 and its stand-in (P14)
and loaders (P15).
"""
