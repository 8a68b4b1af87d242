# SPDX-License-Identifier: GPL-2.0-or-later
"""The picture that tests/replace/seat/paint.c must have painted, told by the same events."""

SQUARE = 24
COLOURS = {"1": 0xff0000, "2": 0x00ff00, "3": 0x0000ff, "4": 0xffff00, "5": 0xff00ff}


def read_ppm(path):
    """(width, height, bytes of red, green, blue) of a screen dump of QEMU's."""
    data = path.read_bytes()
    kind, width, height, depth = data.split(maxsplit=4)[:4]
    if (kind, depth) != (b"P6", b"255"):
        raise ValueError(f"{path}: not a picture as QEMU writes it")
    return int(width), int(height), data[-3 * int(width) * int(height):]


class Canvas:
    """A screen of some size, painted."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.colour = 0xffffff
        self.x, self.y = width // 2, height // 2
        self.rows = [bytearray(b"".join(bytes((x // 8 & 0xff, y // 8 & 0xff, 0x20))
                                        for x in range(width))) for y in range(height)]

    def key(self, name):
        """Pressed and let go: each paints where the mouse is."""
        self.colour = COLOURS[name]
        self.paint()

    def move(self, right, down):
        """The mouse tells both ways at once."""
        self.x = min(max(self.x + right, 0), self.width - SQUARE)
        self.y = min(max(self.y + down, 0), self.height - SQUARE)
        self.paint()

    def paint(self):
        line = self.colour.to_bytes(3, "big") * SQUARE
        for row in self.rows[self.y:self.y + SQUARE]:
            row[3 * self.x:3 * (self.x + SQUARE)] = line

    def pixels(self):
        return b"".join(self.rows)

    def difference(self, picture):
        """Where a picture is another one; None for nowhere."""
        width, height, pixels = picture
        if (width, height) != (self.width, self.height):
            return f"it is {width}x{height}, not {self.width}x{self.height}"
        if pixels == self.pixels():
            return None
        wrong = [at for at in range(width * height)
                 if pixels[3 * at:3 * at + 3] != self.pixels_at(at)]
        first = wrong[0]
        return (f"{len(wrong)} pixels differ, the first at {first % width},{first // width}: "
                f"{pixels[3 * first:3 * first + 3].hex()}, "
                f"not {self.pixels_at(first).hex()}")

    def pixels_at(self, number):
        row = self.rows[number // self.width]
        column = 3 * (number % self.width)
        return bytes(row[column:column + 3])
