import fs from 'node:fs'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { shuffledOrder } from '../../src/main/data/order.ts'

// SqueezeNet as its makers feed it, apart from the product's own reading: what the screen says is held against it.

const SIDE = 224
const MEAN = [0.485, 0.456, 0.406] as const
const STD = [0.229, 0.224, 0.225] as const

/** Where the middle part of a length begins: half of what is over, ties to even, as torchvision's CenterCrop rounds. */
function middle(length: number): number {
  const half = Math.floor((length - SIDE) / 2)
  return half + ((length - SIDE) % 2 === 1 && half % 2 === 1 ? 1 : 0)
}

/** A picture whose shorter side is 256 already: its centre, as [3, 224, 224]. */
async function inputOf(file: string): Promise<Float32Array> {
  const { width, height } = await sharp(file).metadata()
  const [left, top] = [middle(width), middle(height)]
  const pixels = await sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .extract({ left, top, width: SIDE, height: SIDE })
    .raw()
    .toBuffer()
  const plane = SIDE * SIDE
  const values = new Float32Array(3 * plane)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++) values[c * plane + i] = (pixels[3 * i + c]! / 255 - MEAN[c]!) / STD[c]!
  return values
}

/**
 * Top-1 of each file on the samples at positions `start` to the last, in the order of seed 0, in ONNX Runtime in this process.
 * @param folder pictures with `labels.csv`
 */
export async function top1Of(files: readonly string[], folder: string, start: number): Promise<number[]> {
  const lines = fs.readFileSync(path.join(folder, 'labels.csv'), 'utf8').trim().split('\n').slice(1)
  const pictures = lines.map((line) => line.split(',')).map(([file, label]) => ({ file: file!, label: Number(label) }))
  const sessions = await Promise.all(files.map((file) => InferenceSession.create(file)))
  const right = files.map(() => 0)
  const positions = [...shuffledOrder(pictures.length, 0)].slice(start)
  for (const index of positions) {
    const { file, label } = pictures[index]!
    const input = new Tensor('float32', await inputOf(path.join(folder, file)), [1, 3, SIDE, SIDE])
    for (const [i, session] of sessions.entries()) {
      const outputs = await session.run({ [session.inputNames[0]!]: input })
      const scores = outputs[session.outputNames[0]!]!.data as Float32Array
      if (scores.indexOf(Math.max(...scores)) === label) right[i]!++
    }
  }
  for (const session of sessions) await session.release()
  return right.map((count) => count / positions.length)
}
