"""One film on many machines: the pieces go to where the processors are, by way of Dask."""
