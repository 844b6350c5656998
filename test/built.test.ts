/** Every documented feature, tried on the program as `npm run build` makes it, or as CERTFERRY_PROGRAM names it. */
import { resolve } from 'node:path'
import { env } from 'node:process'
import { describeBuilt } from './built/features.ts'

describeBuilt(() => resolve(env.CERTFERRY_PROGRAM ?? 'dist/certferry'), { isBuild: !env.CERTFERRY_PROGRAM })
