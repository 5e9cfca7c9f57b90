/** The label of a sample that nobody labelled: no network here has so many classes. */
export const NO_CLASS = 255;
