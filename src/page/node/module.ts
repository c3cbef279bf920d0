/** `node:module` in a page: there are no native packages. */
export function createRequire(): { (name: string): never; resolve(name: string): never } {
  const refuse = (): never => {
    throw new Error("a page has no packages of Node");
  };
  return Object.assign(refuse, { resolve: refuse });
}
