import { Fault } from '../../shared/contract/fault.ts'
import { BadBytes, ByteReader, ByteWriter } from './byte-stream.ts'
import { RECENT_OBSERVATIONS, type ChannelBounds, type Collection, type TensorStatistics } from './collection.ts'
import { HIGHEST_KEY, MOST_BINS, type Histogram } from './histogram.ts'

/** "QBCC" */
const MAGIC = Uint8Array.of(0x51, 0x42, 0x43, 0x43)
/** Raised whenever the layout or the meaning of a bin changes; older bytes are then refused and calibration runs again. */
const VERSION = 1
const MOST_TENSORS = 1_000_000
const MOST_NAME_BYTES = 65_536
const MOST_CHANNELS = 16_777_216

/** A collection as bytes for the store: about 10 to 20 kB a tensor. Equal collections give equal bytes. */
export function encodeCollection(collection: Collection): Uint8Array {
  const writer = new ByteWriter()
  writer.raw(MAGIC)
  writer.count(VERSION)
  writer.count(collection.samples)
  writer.count(collection.elementsPerSample)
  writer.count(collection.tensors.size)
  for (const statistics of collection.tensors.values()) writeStatistics(writer, statistics)
  return writer.finish()
}

/**
 * Reads what `encodeCollection` wrote, checking every length and value.
 * @throws Fault store.calibrationCorrupt; store.calibrationVersion when another version of the program wrote it
 */
export function decodeCollection(bytes: Uint8Array): Collection {
  try {
    return readCollection(new ByteReader(bytes))
  } catch (cause) {
    if (!(cause instanceof BadBytes)) throw cause
    throw new Fault(
      'store.calibrationCorrupt',
      `The stored calibration is damaged (${cause.message}). Calibrate again.`,
      {},
      { cause },
    )
  }
}

function readCollection(reader: ByteReader): Collection {
  const magic = reader.raw(MAGIC.length)
  if (!MAGIC.every((byte, i) => byte === magic[i])) throw new BadBytes('it does not start as one')
  const version = reader.count()
  if (version !== VERSION) {
    throw new Fault(
      'store.calibrationVersion',
      `The stored calibration has format ${version}, this program reads ${VERSION}. Calibrate again.`,
      {
        version,
      },
    )
  }
  const samples = reader.count()
  const elementsPerSample = reader.count()
  const tensors = new Map<string, TensorStatistics>()
  for (let left = reader.count(MOST_TENSORS); left > 0; left--) {
    const statistics = readStatistics(reader)
    if (tensors.has(statistics.name)) throw new BadBytes(`the tensor ${statistics.name} stands in it twice`)
    tensors.set(statistics.name, statistics)
  }
  reader.end()
  return { samples, elementsPerSample, tensors }
}

function writeStatistics(writer: ByteWriter, statistics: TensorStatistics): void {
  writer.text(statistics.name)
  writer.double(statistics.min)
  writer.double(statistics.max)
  writer.count(statistics.observations)
  writer.floats(statistics.recent.min)
  writer.floats(statistics.recent.max)
  writer.floats(statistics.channels?.min ?? new Float32Array(0))
  writer.floats(statistics.channels?.max ?? new Float32Array(0))
  writer.count(statistics.stride)
  writeHistogram(writer, statistics.histogram)
}

function readStatistics(reader: ByteReader): TensorStatistics {
  const name = reader.text(MOST_NAME_BYTES)
  const min = reader.double()
  const max = reader.double()
  const observations = reader.count()
  const recent = { min: reader.floats(RECENT_OBSERVATIONS), max: reader.floats(RECENT_OBSERVATIONS) }
  const channels: ChannelBounds = { min: reader.floats(MOST_CHANNELS), max: reader.floats(MOST_CHANNELS) }
  const stride = reader.count()
  const histogram = readHistogram(reader)
  check(Number.isFinite(min) && Number.isFinite(max) && min <= max, name, 'its bounds are not a range')
  check(
    recent.min.length === Math.min(observations, RECENT_OBSERVATIONS) && observations > 0,
    name,
    'its observations do not add up',
  )
  check(areBounds(recent) && areBounds(channels), name, 'bounds in it are not ranges')
  check(stride > 0, name, 'its stride is 0')
  return {
    name,
    min,
    max,
    observations,
    recent,
    channels: channels.min.length > 0 ? channels : null,
    stride,
    histogram,
  }
}

function check(sound: boolean, tensor: string, what: string): void {
  if (!sound) throw new BadBytes(`tensor ${tensor}: ${what}`)
}

function areBounds({ min, max }: ChannelBounds): boolean {
  return (
    min.length === max.length &&
    min.every((low, i) => Number.isFinite(low) && Number.isFinite(max[i]) && low <= max[i]!)
  )
}

function writeHistogram(writer: ByteWriter, histogram: Histogram): void {
  writer.count(histogram.lowKey)
  writer.count(histogram.zeros)
  writeCounts(writer, histogram.positive)
  writeCounts(writer, histogram.negative)
}

function readHistogram(reader: ByteReader): Histogram {
  const lowKey = reader.count(HIGHEST_KEY)
  if (lowKey === 0) throw new BadBytes('a histogram starts below its first bin')
  const zeros = reader.count()
  const positive = readCounts(reader, lowKey)
  const negative = readCounts(reader, lowKey)
  return { lowKey, zeros, positive, negative }
}

/** Length, then the counts; a 0 is followed by the number of zeros in a row. */
function writeCounts(writer: ByteWriter, counts: Float64Array): void {
  writer.count(counts.length)
  for (let i = 0; i < counts.length;) {
    writer.count(counts[i]!)
    let next = i + 1
    if (counts[i] === 0) {
      while (next < counts.length && counts[next] === 0) next++
      writer.count(next - i)
    }
    i = next
  }
}

function readCounts(reader: ByteReader, lowKey: number): Float64Array {
  const counts = new Float64Array(reader.count(Math.min(MOST_BINS, HIGHEST_KEY + 1 - lowKey)))
  for (let i = 0; i < counts.length;) {
    const count = reader.count()
    counts[i] = count
    if (count > 0) i++
    else {
      const run = reader.count(counts.length - i)
      if (run === 0) throw new BadBytes('an empty run of bins')
      i += run
    }
  }
  return counts
}
