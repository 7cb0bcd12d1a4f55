"""What `scripts/generate_api.py` writes, made from the declarations in `toolkit/endpoints` alone.

`texts` describes an endpoint in words, `examples` calls it, `methods` makes its method, `modules` the files
of `toolkit/api`, and `pages` the pages of `docs`.
"""
