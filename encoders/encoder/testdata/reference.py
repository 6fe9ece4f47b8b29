"""Crops of large photos, and what Pillow makes of each for a picture graph.

reference.py OUT SIDE FIT KERNEL COUNT PHOTO...

writes COUNT crops of the photos to OUT/N.jpg or OUT/N.png and, for each, the
pixels that the reference pipeline gives to OUT/N.rgb: decoded in full, resized
with antialiasing, uint8 RGB row by row.
"""

import random
import sys

from PIL import Image

KERNELS = {"linear": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC, "lanczos3": Image.Resampling.LANCZOS}


def fitted(picture, side, fit, kernel):
    if fit == "squash":
        return picture.resize((side, side), kernel)
    scale = side / min(picture.size)
    picture = picture.resize([max(side, round(length * scale)) for length in picture.size], kernel)
    left, top = ((length - side) // 2 for length in picture.size)
    return picture.crop((left, top, left + side, top + side))


def crop(picture, chance):
    width, height = (chance.randint(length * 2 // 5, length) for length in picture.size)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def main(out, side, fit, kernel, count, photos):
    chance = random.Random(7)
    for number in range(count):
        with Image.open(photos[number % len(photos)]) as photo:
            part = crop(photo.convert("RGB"), chance)
        path = f"{out}/{number}." + ("png" if number % 4 == 3 else "jpg")
        part.save(path, **({"compress_level": 1} if path.endswith("png") else {"quality": 92}))
        with Image.open(path) as read:
            pixels = fitted(read.convert("RGB"), side, fit, KERNELS[kernel]).tobytes()
        with open(f"{out}/{number}.rgb", "wb") as file:
            file.write(pixels)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6:])
