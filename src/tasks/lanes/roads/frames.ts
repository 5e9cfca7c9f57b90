/** How many frames the drawn set has. */
export const ROADS_FRAMES = { train: 4000, test: 600 } as const;
/** The frames are one fixed set, like a downloaded one; the user's seed only splits it. */
export const ROADS_SEED = 1;
/** `data_sha256` in the records of the set; a test holds it against what is drawn. */
export const ROADS_SHA256 = "a49f79d3b76f643da52825b0137075d85fbac0d2a1dad1a5777b2a5c7eaf2217";
