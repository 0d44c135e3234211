import path from 'node:path'
import sharp from 'sharp'

// `npm run make:icon`: the application's icon as the picture that installers are made from, out of its drawing.

const SIDE = 512
const folder = path.resolve(import.meta.dirname, '../resources/icons')
await sharp(path.join(folder, 'icon.svg'), { density: 300 })
  .resize(SIDE, SIDE)
  .png({ palette: true, compressionLevel: 9 })
  .toFile(path.join(folder, 'icon.png'))
