export { type PhiloxKey, philox, philoxKey } from "./philox.js";
export { RandomStream, stream } from "./random.js";
