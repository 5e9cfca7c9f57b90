/** Classes of the networks that are timed; of a language model its answers. */
export const CLASSES = 10;
