/** Texts of the standard library by the name of their file; see `scripts/page/bundle.mjs`. */
declare module "tilde:stdlib" {
  const texts: Readonly<Record<string, string>>;
  export default texts;
}
