"""What images and files pass through: the transforms, and the paths of files."""
