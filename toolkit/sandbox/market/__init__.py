"""The simulated market: prices, candles, trades, order books and futures data as arrays of whole numbers.

Everything is a function of a seed, a symbol and a time, so any part of the history is made on demand and
nothing grows with use. Prices are whole numbers of ticks and quantities whole numbers of steps: sums are
exact, and a candle equals its trades to the last digit.
"""
