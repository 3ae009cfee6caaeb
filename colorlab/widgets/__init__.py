"""Explorers: pictures that one can move, a file each: a pure ``render`` plus the controls of `explorer.Explorer`.

    ab_plane.explore(prior)                     one colour, its bins and its soft code
    rebalancing.explore(prior, bins)            what lambda and sigma do to the weight of each colour
    temperature.explore()                       a photograph and one pixel's distribution, from mode to mean
    generator.explore()                         do the colours hold when the photograph is changed?
    discriminator.explore()                     what the discriminator's logit says of edited colours
    gallery.explore(pairs, real, fake)          originals and their fakes, sorted, filtered, divided
    amt_game.play(pairs, file="answers.csv")    which of two pictures is the photograph?
    amt_answers.pool(files)                     what a class answered

They need ipywidgets and a running kernel; without one, read the static sheet before each in its notebook.
"""
