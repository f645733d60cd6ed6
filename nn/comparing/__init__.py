"""What `nn.compare` is made of: reading a model, finite differences, the table."""
