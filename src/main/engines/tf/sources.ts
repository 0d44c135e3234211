import type { Digest } from './download.ts'

/** A member to take out of an archive. */
export interface Wanted {
  /** path in the archive */
  readonly member: RegExp
  /** where it goes in the installation; `$1` is the first group */
  readonly target: string
  /** null: the archive's own digest vouches for it */
  readonly sha512: string | null
}

/** One archive of a source. */
export interface Archive {
  /** null: the configured npm client names it */
  readonly url: string | null
  readonly digest: Digest | null
  /** how the members are reached: a tar in gzip, or a brotli-packed tar in a member of a tar in gzip */
  readonly nested: RegExp | null
  readonly wanted: readonly Wanted[]
}

/** One place that libtensorflow and a binding can be had from. */
export interface Source {
  readonly name: string
  readonly version: string
  /** an npm package is asked for through the configured npm client, which knows registry and proxies */
  readonly npmPackage: string | null
  readonly archives: readonly Archive[]
  /** names under which the loader asks for a file: alias → file */
  readonly aliases: Readonly<Record<string, string>>
  readonly binding: string
}

const BINDING = 'lib/napi-v8/tfjs_binding.node'

/**
 * TensorFlow's official archive with the binding that tfjs-node 4.22.0's own install script fetches.
 * SHA-256 of libtensorflow as nixpkgs (pkgs/by-name, nextcloud recognize) and others publish it. For the binding none is published:
 * it comes over HTTPS from TensorFlow's bucket, and its digest is kept at installation.
 * Source: tfjs-node 4.22.0 scripts/install.js and package.json `binary`.
 */
const official: Source = {
  name: "TensorFlow's official archive",
  version: '2.9.1',
  npmPackage: null,
  archives: [
    {
      url: 'https://storage.googleapis.com/tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz',
      digest: { algorithm: 'sha256', value: '7f510d2546e3db5e10b1d119463689003d587842892ad3c95bca51cf82820173' },
      nested: null,
      wanted: [
        { member: /^(?:\.\/)?lib\/(libtensorflow(?:_framework)?\.so\.2\.9\.1)$/, target: 'deps/lib/$1', sha512: null },
      ],
    },
    {
      url: 'https://storage.googleapis.com/tf-builds/pre-built-binary/napi-v8/4.22.0/CPU-linux-4.22.0.tar.gz',
      digest: null,
      nested: null,
      wanted: [{ member: /(?:^|\/)tfjs_binding\.node$/, target: BINDING, sha512: null }],
    },
  ],
  aliases: aliasesOf('2', '2.9.1'),
  binding: BINDING,
}

/**
 * The npm package that holds a build of tfjs-node 2.7 for AWS Lambda: libtensorflow 1.15 and its N-API binding, which tfjs-node 4.22.0
 * drives. The archive's SHA-512 is the registry's `dist.integrity`; those of the files were taken from it with sha512sum.
 */
const npm: Source = {
  name: 'the npm package tfjs-node-lambda-releases',
  version: '1.15.0',
  npmPackage: 'tfjs-node-lambda-releases@1.6.1',
  archives: [
    {
      url: null,
      digest: {
        algorithm: 'sha512',
        value: Buffer.from(
          'D275PZpxsKenTuiPnvIE5T+D5JrT4aU9M3EDCedBQKlP0hUB7011Yzg8CAJ6MBIog9Lq90aaEair4yrBBlk61w==',
          'base64',
        ).toString('hex'),
      },
      nested: /^package\/nodejs12\.x-tf2\.7\.0\.br$/,
      wanted: [
        {
          member: /tfjs-node\/deps\/lib\/(libtensorflow\.so\.1\.15\.0)$/,
          target: 'deps/lib/$1',
          sha512:
            'fbbcd56b1cd9de4fa337ea8e12ef46b59f83cb338f4304ea95e32f23ed5d9c5ae4bef3b324b948db3fb3da3cdca4835fdfe8a0602c7adc0298f16ca0f1e1a477',
        },
        {
          member: /tfjs-node\/deps\/lib\/(libtensorflow_framework\.so\.1\.15\.0)$/,
          target: 'deps/lib/$1',
          sha512:
            '768067bad4a5f8281f68e31c6d6b5b887d9442c2ccef8b38b8376bcec0a0a6bb6325c04ab008520309f56b6738f1a02036491b769cffc7eb69923d756af4adc1',
        },
        {
          member: /tfjs-node\/lib\/napi-v6\/tfjs_binding\.node$/,
          target: BINDING,
          sha512:
            'fdc4cc7fc838769b1ac3209068a8fc5f814b00661b5427d91b98fc5d262fce50164e9a8aa3ec58ecc5819e8e5f7777b989d8e3a47498d2223da28334d380d216',
        },
      ],
    },
  ],
  aliases: aliasesOf('1', '1.15.0'),
  binding: BINDING,
}

/** Where libtensorflow is fetched from on this platform, in the order tried. Both are builds for Linux on x64. */
export function sourcesFor(platform: NodeJS.Platform, arch: string): readonly Source[] {
  return platform === 'linux' && arch === 'x64' ? [official, npm] : []
}

function aliasesOf(major: string, version: string): Record<string, string> {
  const aliases: Record<string, string> = {}
  for (const library of ['libtensorflow', 'libtensorflow_framework']) {
    aliases[`deps/lib/${library}.so`] = `deps/lib/${library}.so.${version}`
    aliases[`deps/lib/${library}.so.${major}`] = `deps/lib/${library}.so.${version}`
  }
  return aliases
}
