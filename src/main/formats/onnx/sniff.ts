/** What a file that is not an ONNX model seems to be, and what to do about it. */
export interface Guess {
  /** camelCase, for the fault's data */
  readonly kind: string
  /** `a zip archive` */
  readonly is: string
  /** a sentence of advice */
  readonly advice: string
}

interface Rule extends Guess {
  readonly matches: (head: Head) => boolean
}

/** The first bytes of a file, as bytes and as Latin-1 text. */
interface Head {
  readonly bytes: Uint8Array
  readonly text: string
}

const headLength = 4096
const exporter = 'export the model to ONNX (torch.onnx.export) and open the .onnx file'
const starts =
  (prefix: string) =>
  (head: Head): boolean =>
    head.text.startsWith(prefix)
const at =
  (offset: number, word: string) =>
  (head: Head): boolean =>
    head.text.startsWith(word, offset)

/** First match wins: special cases stand before the general ones. Source: the formats' own magic numbers. */
const rules: readonly Rule[] = [
  {
    kind: 'gitLfsPointer',
    is: 'a Git LFS pointer, not the model itself',
    advice: 'fetch the file with "git lfs pull"',
    matches: starts('version https://git-lfs.github.com/spec'),
  },
  {
    kind: 'pytorch',
    is: 'a PyTorch checkpoint',
    advice: exporter,
    matches: (head) =>
      starts('PK\u0003\u0004')(head) && /\/data\.pkl|\/version|\/byteorder|constants\.pkl/.test(head.text),
  },
  {
    kind: 'keras',
    is: 'a Keras model archive',
    advice: 'convert it with tf2onnx',
    matches: (head) => starts('PK\u0003\u0004')(head) && /model\.weights\.h5|metadata\.json/.test(head.text),
  },
  {
    kind: 'npz',
    is: 'a NumPy archive',
    advice: 'it holds arrays, not a model; name it as data with npz:FILE',
    matches: (head) => starts('PK\u0003\u0004')(head) && /\.npy/.test(head.text.slice(0, 300)),
  },
  { kind: 'zip', is: 'a zip archive', advice: 'unpack it and open the .onnx file inside', matches: starts('PK') },
  {
    kind: 'gzip',
    is: 'gzip-compressed',
    advice: 'unpack it with gunzip (or tar) first',
    matches: starts('\u001f\u008b'),
  },
  { kind: 'bzip2', is: 'bzip2-compressed', advice: 'unpack it first', matches: starts('BZh') },
  { kind: 'xz', is: 'xz-compressed', advice: 'unpack it first', matches: starts('\u00fd7zXZ') },
  { kind: 'zstd', is: 'zstd-compressed', advice: 'unpack it first', matches: starts('\u0028\u00b5\u002f\u00fd') },
  { kind: '7z', is: 'a 7z archive', advice: 'unpack it first', matches: starts('7z\u00bc\u00af') },
  { kind: 'tar', is: 'a tar archive', advice: 'unpack it and open the .onnx file inside', matches: at(257, 'ustar') },
  {
    kind: 'html',
    is: 'an HTML page',
    advice: 'the download gave a web page instead of the file: download it again by its raw address',
    matches: (head) =>
      /^(?:\u00ef\u00bb\u00bf)?\s*(?:<!--[^>]*-->\s*)?<(?:!doctype html|html|head|body)/i.test(head.text),
  },
  {
    kind: 'openvino',
    is: 'an OpenVINO or other XML file',
    advice: 'open the ONNX file it was made from',
    matches: (head) => /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml|^\s*<net\b/.test(head.text),
  },
  {
    kind: 'tfjs',
    is: 'a TensorFlow.js model.json',
    advice: 'convert it to ONNX first with "quantbench convert"',
    matches: (head) =>
      /^\s*\{/.test(head.text) &&
      /"modelTopology"|"weightsManifest"|"format"\s*:\s*"(?:layers|graph)-model"/.test(head.text),
  },
  {
    kind: 'json',
    is: 'a JSON file',
    advice: 'open an .onnx file',
    matches: (head) => /^\s*[{[]\s*["\]}{[\d]/.test(head.text),
  },
  {
    kind: 'hdf5',
    is: 'an HDF5 file (a Keras .h5 model?)',
    advice: 'convert it with tf2onnx',
    matches: starts('\u0089HDF'),
  },
  { kind: 'tflite', is: 'a TensorFlow Lite model', advice: 'convert it with tf2onnx', matches: at(4, 'TFL3') },
  {
    kind: 'ort',
    is: "a model in ONNX Runtime's own ORT format",
    advice: 'open the ONNX file it was made from',
    matches: at(4, 'ORTM'),
  },
  { kind: 'gguf', is: 'a GGUF model', advice: 'it is for llama.cpp and has no ONNX graph', matches: starts('GGUF') },
  {
    kind: 'safetensors',
    is: 'a safetensors file',
    advice: `it holds weights without a graph; ${exporter}`,
    matches: (head) => head.bytes[6] === 0 && head.bytes[7] === 0 && /^\{\s*"/.test(head.text.slice(8, 16)),
  },
  {
    kind: 'pickle',
    is: 'a Python pickle (an old PyTorch checkpoint?)',
    advice: exporter,
    matches: (head) => head.bytes[0] === 0x80 && head.bytes[1]! >= 2 && head.bytes[1]! <= 5,
  },
  { kind: 'npy', is: 'a NumPy array', advice: 'it holds an array, not a model', matches: starts('\u0093NUMPY') },
  {
    kind: 'savedModel',
    is: 'a TensorFlow SavedModel',
    advice: 'convert it with tf2onnx',
    matches: (head) =>
      head.text.startsWith('\b\u0001\u0012') && /serve|SavedModel|StatefulPartitionedCall|Placeholder/.test(head.text),
  },
  {
    kind: 'graphDef',
    is: 'a TensorFlow graph',
    advice: 'convert it with tf2onnx',
    matches: (head) =>
      head.text.startsWith('\n') && head.text.includes('\u0012') && /Placeholder|Const|NoOp/.test(head.text),
  },
  {
    kind: 'coreml',
    is: 'a Core ML model',
    advice: 'open the ONNX file it was made from',
    matches: (head) => /com\.github\.apple\.coremltools/.test(head.text),
  },
  {
    kind: 'image',
    is: 'a picture',
    advice: 'open an .onnx file',
    matches: (head) => /^(?:\u0089PNG|\u00ff\u00d8\u00ff|GIF8|RIFF....WEBP)/s.test(head.text),
  },
  { kind: 'pdf', is: 'a PDF document', advice: 'open an .onnx file', matches: starts('%PDF') },
  {
    kind: 'program',
    is: 'a program or library',
    advice: 'open an .onnx file',
    matches: (head) => /^(?:\u007fELF|MZ)/.test(head.text),
  },
  {
    kind: 'zeros',
    is: 'nothing but zero bytes',
    advice: 'the download or copy did not finish: fetch it again',
    matches: (head) => head.bytes.length > 0 && head.bytes.every((byte) => byte === 0),
  },
  { kind: 'text', is: 'a text file', advice: 'open an .onnx file', matches: isText },
]

/** What the first bytes of a file that could not be read as ONNX look like; null when nothing is recognised. */
export function guessFormat(bytes: Uint8Array): Guess | null {
  const head = bytes.subarray(0, headLength)
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join('')
  return rules.find((rule) => rule.matches({ bytes: head, text })) ?? null
}

/** Printable UTF-8 or ASCII with line breaks, no control characters. */
function isText({ bytes }: Head): boolean {
  return (
    bytes.length > 0 && bytes.every((byte) => (byte >= 32 ? byte !== 127 : byte === 9 || byte === 10 || byte === 13))
  )
}
