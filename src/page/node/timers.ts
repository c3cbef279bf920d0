/** `node:timers/promises` and the global `setImmediate` in a page: a turn of the event loop. */

const waiting: (() => void)[] = [];
/** What is used of a page's message channels. */
interface Channel {
  readonly port1: { onmessage: () => void };
  readonly port2: { postMessage(value: number): void };
}
const { MessageChannel } = globalThis as unknown as { readonly MessageChannel: new () => Channel };
const channel = new MessageChannel();
channel.port1.onmessage = () => waiting.shift()?.();

/** Calls back after events that wait; timers, after nesting, come four milliseconds late. */
export function soon(callback: () => void): void {
  waiting.push(callback);
  channel.port2.postMessage(0);
}

export const setImmediate = (): Promise<void> => new Promise((resolve) => soon(resolve));
