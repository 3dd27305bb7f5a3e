"""The shapes and number types of tensors, followed through data sets, functions and layers."""
