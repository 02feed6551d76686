"""What the papers report."""

# Benchmark -> rows of (method, modes, share of high quality in %, reverse KL), each a pair (mean,
# standard error over ten runs). Lin et al. (2017), PacGAN, arXiv:1712.04086, table 1.
MIXTURES = {
    "ring": (
        ("GAN", (6.3, 0.5), (98.2, 0.2), (0.45, 0.09)),
        ("ALI", (6.6, 0.3), (97.6, 0.4), (0.36, 0.04)),
        ("PacGAN2", (7.9, 0.1), (95.6, 2.0), (0.07, 0.03)),
        ("PacGAN3", (7.8, 0.1), (97.7, 0.3), (0.10, 0.02)),
        ("PacGAN4", (7.8, 0.1), (95.9, 1.4), (0.07, 0.02)),
    ),
    "grid": (
        ("GAN", (17.3, 0.8), (94.8, 0.7), (0.70, 0.07)),
        ("ALI", (24.1, 0.4), (95.7, 0.6), (0.14, 0.03)),
        ("PacGAN2", (23.8, 0.7), (91.3, 0.8), (0.13, 0.04)),
        ("PacGAN3", (24.6, 0.4), (94.2, 0.4), (0.06, 0.02)),
        ("PacGAN4", (24.8, 0.2), (93.6, 0.6), (0.04, 0.01)),
    ),
    "wide_ring": (),
}

# Rows of (method, modes of 1000, reverse KL). The first setting: table 2 of PacGAN, with rows of
# VEEGAN's table 2 (one run each). The second: table 3 of PacGAN, with rows of Unrolled GANs'.
STACKED = {
    "stacked": (
        ("DCGAN (VEEGAN)", (99.0, None), (3.40, None)),
        ("ALI", (16.0, None), (5.40, None)),
        ("Unrolled GAN", (48.7, None), (4.32, None)),
        ("VEEGAN", (150.0, None), (2.95, None)),
        ("DCGAN (PacGAN)", (78.9, 6.46), (4.50, 0.127)),
        ("PacDCGAN2", (1000.0, 0.0), (0.06, 0.003)),
        ("PacDCGAN3", (1000.0, 0.0), (0.06, 0.003)),
        ("PacDCGAN4", (1000.0, 0.0), (0.07, 0.005)),
    ),
    "stacked_quarter": (
        ("DCGAN", (30.6, 20.73), (5.99, 0.42)),
        ("Unrolled 1", (65.4, 34.75), (5.91, 0.14)),
        ("Unrolled 5", (236.4, 63.30), (4.67, 0.43)),
        ("Unrolled 10", (327.2, 74.67), (4.66, 0.46)),
        ("DCGAN (PacGAN)", (78.5, 17.56), (5.21, 0.19)),
        ("PacDCGAN2", (484.5, 32.99), (2.61, 0.22)),
        ("PacDCGAN3", (601.3, 32.18), (2.00, 0.17)),
        ("PacDCGAN4", (667.4, 29.00), (1.81, 0.15)),
    ),
    "stacked_half": (
        ("DCGAN", (628.0, 140.9), (2.58, 0.75)),
        ("Unrolled 1", (523.6, 55.77), (2.44, 0.26)),
        ("Unrolled 5", (732.0, 44.98), (1.66, 0.09)),
        ("Unrolled 10", (817.4, 37.91), (1.43, 0.12)),
        ("DCGAN (PacGAN)", (487.7, 34.59), (2.24, 0.15)),
        ("PacDCGAN2", (840.7, 15.92), (1.00, 0.05)),
        ("PacDCGAN3", (866.6, 12.10), (0.90, 0.04)),
        ("PacDCGAN4", (820.2, 25.50), (1.15, 0.14)),
    ),
}
