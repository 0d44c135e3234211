import { Fault } from '../../shared/contract/fault.ts'

/** One file as it is published. */
export interface PublishedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** A data set as its makers publish it, and how it comes to lie in a folder that a reader takes. */
export interface OfficialSet {
  readonly name: string
  readonly title: string
  /** reader of the folder: `--data kind:DIR` */
  readonly kind: 'mnist' | 'cifar10' | 'images'
  /** where the files lie under their names, best first; a mirror is listed where the makers, or a framework's own loader, name it */
  readonly sources: readonly string[]
  readonly files: readonly PublishedFile[]
  /** members of a tar in gzip that are wanted, `$1` being where they go; null: the files are used as they are */
  readonly unpack: RegExp | null
  /** members that a whole archive holds */
  readonly members: number | null
  /** licence or terms, as the makers state them */
  readonly terms: string
}

const IDX = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
]

/** @param published bytes and SHA-256 of the four IDX files, in the order of `IDX` */
function idxFiles(published: readonly (readonly [number, string])[]): PublishedFile[] {
  return IDX.map((name, i) => ({ name, bytes: published[i]![0], sha256: published[i]![1] }))
}

/**
 * The data sets that can be fetched. Digests: of MNIST and Fashion-MNIST as many projects publish them, equal to the SHA-256 of files with
 * the makers' MD5; of CIFAR-10 from TensorFlow Datasets, url_checksums/cifar10.txt; of Imagenette as FastAI.jl and others
 * publish it, for the archive with fast.ai's MD5 3df6f0d01a2c9592104656642f5e78a3.
 */
export const OFFICIAL_SETS: readonly OfficialSet[] = [
  {
    name: 'mnist',
    title: 'MNIST, 70,000 handwritten digits, 28×28',
    kind: 'mnist',
    // the makers' own server has answered 403 for years; it comes last, PyTorch's and TensorFlow's copies first
    sources: [
      'https://ossci-datasets.s3.amazonaws.com/mnist/',
      'https://storage.googleapis.com/cvdf-datasets/mnist/',
      'http://yann.lecun.com/exdb/mnist/',
    ],
    files: idxFiles([
      [9_912_422, '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'],
      [28_881, '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'],
      [1_648_877, '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'],
      [4_542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'],
    ]),
    unpack: null,
    members: null,
    terms: 'Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0',
  },
  {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST, 70,000 articles of clothing, 28×28',
    kind: 'mnist',
    sources: [
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    ],
    files: idxFiles([
      [26_421_880, '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'],
      [29_515, 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'],
      [4_422_102, '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'],
      [5_148, '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'],
    ]),
    unpack: null,
    members: null,
    terms: 'Zalando Research; MIT',
  },
  {
    name: 'cifar10',
    title: 'CIFAR-10, 60,000 pictures of 10 classes, 32×32, binary version',
    kind: 'cifar10',
    sources: ['https://www.cs.toronto.edu/~kriz/'],
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        bytes: 170_052_171,
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      },
    ],
    unpack: /^(?:\.\/)?cifar-10-batches-bin\/((?:data_batch_[1-5]|test_batch)\.bin|batches\.meta\.txt)$/,
    members: 7,
    terms: 'A. Krizhevsky; no licence stated, cite the technical report of 2009',
  },
  {
    name: 'imagenette',
    title: 'Imagenette, 13,394 pictures of 10 easy ImageNet classes, shorter side 320',
    kind: 'images',
    sources: ['https://s3.amazonaws.com/fast-ai-imageclas/'],
    files: [
      {
        name: 'imagenette2-320.tgz',
        bytes: 341_663_724,
        sha256: '569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c',
      },
    ],
    unpack: /^(?:\.\/)?imagenette2-320\/((?:train|val)\/n\d{8}\/[^/.][^/]*\.JPEG)$/,
    members: 13_394,
    terms: 'fast.ai, Apache-2.0; the pictures are of ImageNet, for research',
  },
]

/** The official data set of that name. @throws Fault usage.dataSet */
export function officialSet(name: string): OfficialSet {
  const found = OFFICIAL_SETS.find((set) => set.name === name)
  if (found) return found
  const known = OFFICIAL_SETS.map((set) => set.name).join(', ')
  throw new Fault('usage.dataSet', `There is no data set "${name}" to fetch: ${known}.`, { name })
}
