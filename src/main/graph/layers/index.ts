export { findLayers, parametersIn } from './find-layers.ts'
export type { LayerOptions } from './find-layers.ts'
export { INTEGER_KERNELS } from './roles.ts'
export { constantClipBounds } from './fuse.ts'
