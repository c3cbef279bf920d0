/** Grey pictures as PNG files (ISO/IEC 15948), for the examples. */
import { deflateSync } from "node:zlib";

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(name, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(name, 4, "latin1");
  body.copy(out, 8);
  out.writeUInt32BE(crc(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

/** An 8-bit grey PNG of `grey`, row by row, 0 black to 255 white. */
export function png(width, height, grey) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) {
    rows.set(grey.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const body = deflateSync(rows, { level: 9 });
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", body),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * Square pictures of numbers in 0 to 1 (ink on white) side by side in `columns`, each number
 * `scale` × `scale` pixels, with a gap between pictures.
 */
export function sheet(pictures, { side, columns, scale = 4, gap = 1 }) {
  const step = (side + gap) * scale;
  const rows = Math.ceil(pictures.length / columns);
  const [width, height] = [columns * step + gap * scale, rows * step + gap * scale];
  const grey = new Uint8Array(width * height).fill(200);
  pictures.forEach((picture, k) => {
    const left = gap * scale + (k % columns) * step;
    const top = gap * scale + Math.floor(k / columns) * step;
    for (let y = 0; y < side * scale; y++) {
      for (let x = 0; x < side * scale; x++) {
        const ink = picture[Math.floor(y / scale) * side + Math.floor(x / scale)];
        grey[(top + y) * width + left + x] = Math.round(255 * (1 - ink));
      }
    }
  });
  return png(width, height, grey);
}
