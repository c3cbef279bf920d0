/** The part of the WebAssembly JavaScript API used here: without the DOM library nothing types it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
  }
  class Global {
    constructor(descriptor: { value: "i32"; mutable: boolean }, value: number);
  }
  class Instance {
    constructor(
      module: Module,
      imports: { readonly [module: string]: { readonly [name: string]: Memory | Global } },
    );
    readonly exports: { readonly [name: string]: unknown };
  }
}
