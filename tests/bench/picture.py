# SPDX-License-Identifier: GPL-2.0-or-later
"""A picture of how a client's answers come over time, as SVG."""

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 44, 44
BIN = 0.5  # seconds
COLOURS = ("#b5651d", "#1d5fb5")
FONT = 'font-family="sans-serif" font-size="12"'


def rates(times, seconds):
    """Answers in a second, for each bin from 0 on."""
    counts = [0] * int(seconds / BIN)
    for when in times:
        if 0 <= when < len(counts) * BIN:
            counts[int(when / BIN)] += 1
    return [count / BIN for count in counts]


class Scale:
    """From seconds and answers to the picture."""

    def __init__(self, seconds, most):
        self.seconds, self.most = seconds, most or 1

    def across(self, seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds

    def down(self, rate):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - rate / self.most)


def steps(scale, values):
    """The outline of one curve, a step for each bin."""
    points = []
    for number, value in enumerate(values):
        y = scale.down(value)
        points += [(scale.across(number * BIN), y), (scale.across((number + 1) * BIN), y)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def axes(scale, label):
    bottom = HEIGHT - BOTTOM
    lines = [f'<path d="M{LEFT},{TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#444"/>',
             f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle" {FONT}>'
             f'{label}</text>']
    for second in range(0, int(scale.seconds) + 1, 5):
        x = scale.across(second)
        lines.append(f'<path d="M{x:.1f},{bottom}v4" stroke="#444"/>'
                     f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle" {FONT}>'
                     f'{second}</text>')
    for part in range(5):
        rate = scale.most * part / 4
        lines.append(f'<path d="M{LEFT},{scale.down(rate):.1f}h-4" stroke="#444"/>'
                     f'<text x="{LEFT - 7}" y="{scale.down(rate) + 4:.1f}" text-anchor="end" '
                     f'{FONT}>{rate:.0f}</text>')
    return lines


def draw(title, label, curves, seconds):
    """@curves: [(name, times of answers)]. The text of the file."""
    values = [(name, rates(times, seconds)) for name, times in curves]
    scale = Scale(seconds, max((max(rate) for _, rate in values), default=1))
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}">',
             "<!-- SPDX-License-Identifier: GPL-2.0-or-later; made by make bench-replace -->",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             f'<text x="{LEFT}" y="16" {FONT} font-weight="bold">{title}</text>']
    for number, (name, rate) in enumerate(values):
        colour = COLOURS[number]
        x = LEFT + 150 * number
        lines += [f'<polyline points="{steps(scale, rate)}" fill="none" stroke="{colour}" '
                  f'stroke-width="1.5"/>',
                  f'<rect x="{x}" y="24" width="10" height="10" fill="{colour}"/>',
                  f'<text x="{x + 15}" y="33" {FONT}>{name}</text>']
    return "\n".join([*lines, *axes(scale, label), "</svg>"]) + "\n"
