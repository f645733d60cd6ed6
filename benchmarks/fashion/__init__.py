"""Fashion-MNIST, and made-up images in its place: what benchmarks/fashion_mnist.py measures, one question a file."""
