def answer(window, new, size):
    place = len(window)
    window = (*window, new)
    if len(window) <= size:
        return window[place:], range(place, place + 1)
    while len(window) > size // 2:
        window = window[1:]
    return window, range(len(window))
