import sharp from 'sharp'

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

/** sharp, set up for reading data sets. Everyone in this room imports it from here. */
export { sharp }
