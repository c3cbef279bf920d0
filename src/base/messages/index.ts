/**
 * The one table of diagnostic texts: `code → { severity, text(params) }`. Each stage keeps its part
 * in a file of its own; this file joins them. Codes are snake_case and never change meaning.
 */
import { caviMessages } from "./cavi.js";
import { dataMessages } from "./data.js";
import { deviceMessages } from "./device.js";
import { discreteMessages } from "./discrete.js";
import { fileMessages } from "./files.js";
import { gibbsMessages } from "./gibbs.js";
import { learningMessages } from "./learning.js";
import { methodMessages } from "./method.js";
import { pictureMessages } from "./pictures.js";
import { replMessages } from "./repl.js";
import { simulateMessages } from "./simulate.js";
import { structureMessages } from "./structure.js";
import { syntaxMessages } from "./syntax.js";
import { tensorflowMessages } from "./tensorflow.js";
import { typeMessages } from "./types.js";
import { unboundedMessages } from "./unbounded.js";
import { webgpuMessages } from "./webgpu.js";

export const messageTable = {
  ...syntaxMessages,
  ...typeMessages,
  ...caviMessages,
  ...dataMessages,
  ...discreteMessages,
  ...fileMessages,
  ...gibbsMessages,
  ...learningMessages,
  ...methodMessages,
  ...pictureMessages,
  ...replMessages,
  ...simulateMessages,
  ...structureMessages,
  ...tensorflowMessages,
  ...unboundedMessages,
  ...webgpuMessages,
  ...deviceMessages,
};

export type MessageTable = typeof messageTable;
export type MessageCode = keyof MessageTable;
export type MessageParams<C extends MessageCode> = Parameters<MessageTable[C]["text"]>[0];
