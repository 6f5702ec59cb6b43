def answer(text, source):
    """How long a run ends at each pair of places, row by row."""
    longest, row = 0, [0] * (len(source) + 1)
    for char in text:
        above, row = row, [0]
        for j, other in enumerate(source):
            row.append(above[j] + 1 if char == other else 0)
        longest = max(longest, *row)
    return longest
