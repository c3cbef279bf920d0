/** `tilde plot`: a saved fit as a picture, in the terminal or as a file. */

import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { fail } from "../base/diagnostic.js";
import { pictureOf } from "../run/pictures/of-fit.js";
import type { Picture } from "../run/pictures/picture.js";
import { type FileFormat, fileOf } from "../run/pictures/render.js";
import { textOf } from "../run/pictures/text.js";
import { loadFit } from "../run/results/load-fit.js";
import { explained } from "../run/storage/folder.js";
import type { ExitCode } from "./exit-code.js";
import { listOf } from "./lists.js";

export interface PictureFlags {
  readonly vars?: string;
  readonly format?: string;
  readonly out?: string;
}

export async function plotCommand(
  directory: string,
  flags: PictureFlags & { readonly kind?: string },
): Promise<ExitCode> {
  const format = formatOf(flags);
  const posterior = await loadFit(directory);
  await show(pictureOf(posterior, flags.kind, listOf(flags.vars)), format, flags.out);
  return 0;
}

const formats = ["svg", "png", "html", "text"] as const;

/** @throws TildeError for a format that there is not */
export function formatOf({ format, out }: PictureFlags): FileFormat | "text" {
  const ending = out === undefined ? "" : extname(out).slice(1).toLowerCase();
  const wanted = format ?? (ending === "txt" ? "text" : ending);
  if (format === undefined && out === undefined) return "text";
  const found = formats.find((f) => f === wanted);
  return found ?? fail("picture_format", undefined, { format: wanted, path: out });
}

/** Prints a picture or writes it. */
export async function show(
  picture: Picture,
  format: FileFormat | "text",
  out: string | undefined,
): Promise<void> {
  const content = format === "text" ? `${textOf(picture)}\n` : await fileOf(picture, format);
  if (out === undefined) {
    process.stdout.write(content);
    return;
  }
  await explained(out, writeFile(out, content));
  process.stderr.write(`${out}\n`);
}
