/** Where `setup-tensorflow.mjs` puts TensorFlow unless told. */
export const defaultFolder: string;
