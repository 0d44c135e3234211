import type Sharp from 'sharp'

let loading: Promise<typeof Sharp> | null = null

/**
 * sharp, set up for reading data sets; everyone in this room takes it from here. Its native library is loaded with the first picture: that
 * takes longer than the rest of a worker's start, and arrays do without it.
 */
export function loadSharp(): Promise<typeof Sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    // Several worker processes share the machine: one libvips thread an operation, and no cache that grows with the data set.
    sharp.concurrency(1)
    sharp.cache(false)
    // Picture files are untrusted: only the decoders of photographs are left on, whatever the file's name says.
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({
      operation: [
        'VipsForeignLoadJpegBuffer',
        'VipsForeignLoadPngBuffer',
        'VipsForeignLoadWebpBuffer',
        'VipsForeignLoadTiffBuffer',
        'VipsForeignLoadNsgifBuffer',
        'VipsForeignLoadHeifBuffer',
      ],
    })
    return sharp
  })
  return loading
}
