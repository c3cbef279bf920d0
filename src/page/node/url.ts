/** `node:url` in a page. */
export const fileURLToPath = (url: URL): string => url.pathname;
