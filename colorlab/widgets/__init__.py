"""Explorers: pictures that one can move, a file each: a pure ``render`` plus the controls of `explorer.Explorer`.

    temperature.explore()                       a photograph and one pixel's distribution, from mode to mean
    generator.explore()                         do the colours hold when the photograph is changed?
    amt_game.play(pairs, file="answers.csv")    which of two pictures is the photograph?
    amt_answers.pool(files)                     what a class answered

They need ipywidgets and a running kernel; without one, read the static sheet before each in its notebook.
"""
