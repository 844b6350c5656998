/** The errors that the emulator can answer with: code and text in both languages. Pure. */
/**
 * Texts captured from the service are verbatim; the rest follows the public error tables. `{name}` is replaced by the
 * error's details.
 */
export const API_ERRORS = {
  protocol: {
    code: 'UnsupportedProtocol',
    'en-US': 'HTTP(S) request protocol error; only GET and POST requests are supported.',
    'zh-CN': 'HTTP(S)请求协议错误，只支持 GET 和 POST 请求。',
  },
  path: {
    code: 'InvalidRequest',
    'en-US': 'The request path is not valid; it is always `/`.',
    'zh-CN': '请求路径不合法，只支持 `/`。',
  },
  size: {
    code: 'RequestSizeLimitExceeded',
    'en-US': 'The request packet exceeds the size limit.',
    'zh-CN': '请求包超过限制大小。',
  },
  missing: {
    code: 'MissingParameter',
    'en-US': 'The request is missing a required parameter `{name}`.',
    'zh-CN': '请求缺少必需的参数 `{name}`。',
  },
  type: {
    code: 'InvalidParameter',
    'en-US': 'The value type of parameter `{name}` is not valid',
    'zh-CN': '参数 `{name}` 的数据类型不合法。',
  },
  unknown: {
    code: 'UnknownParameter',
    'en-US': 'The parameter `{name}` is not recognized.',
    'zh-CN': '未知参数错误，传入了未定义的参数 `{name}`。',
  },
  json: {
    code: 'InvalidParameter',
    'en-US': 'For content-type=application/json the request content is not legal JSON.',
    'zh-CN': '对于指定content-type=application/json协议下，请求内容不是合法的Json格式。',
  },
  contentType: {
    code: 'InvalidParameter',
    'en-US': 'The content-type `{name}` is not supported for this request.',
    'zh-CN': '该请求不支持 content-type `{name}`。',
  },
  authorization: {
    code: 'AuthFailure.InvalidAuthorization',
    'en-US': 'The `Authorization` in the request header does not comply with the Tencent Cloud standard.',
    'zh-CN': '请求头部的 `Authorization` 不符合腾讯云标准。',
  },
  expired: {
    code: 'AuthFailure.SignatureExpire',
    'en-US':
      'The signature has expired. Timestamp and server time may not differ by more than five minutes, please check that your local time is in sync.',
    'zh-CN': '签名过期。Timestamp 和服务器时间相差不得超过五分钟，请检查本地时间是否和标准时间同步。',
  },
  secretId: {
    code: 'AuthFailure.SecretIdNotFound',
    'en-US': 'The SecretId is not found, please ensure that your SecretId is correct.',
    'zh-CN': '密钥不存在，请检查密钥是否已被删除或者禁用，注意前后不得有空格。',
  },
  token: {
    code: 'AuthFailure.TokenFailure',
    'en-US': 'Token verification failed, please check if your Token is correct.',
    'zh-CN': 'Token 验证失败，请检查您的 Token 是否正确。',
  },
  signature: {
    code: 'AuthFailure.SignatureFailure',
    'en-US': 'The provided credentials could not be validated. Please check your signature is correct.',
    'zh-CN': '请求签名验证失败，请检查您的签名计算是否正确。',
  },
  gatewayThrottle: {
    code: 'RequestLimitExceeded',
    'en-US':
      'Your current request times equals to `{times}` in a second, which exceeds the frequency limit `{limit}` for a second. Please reduce the frequency of calls.',
    'zh-CN': '您当前每秒请求 `{times}` 次，超过了每秒频率上限 `{limit}`，请稍后重试。',
  },
  backendThrottle: {
    code: 'LimitExceeded.RateLimitExceeded',
    'en-US': 'The request frequency has reached the limit.',
    'zh-CN': '请求频率达到限制。',
  },
  version: {
    code: 'NoSuchVersion',
    'en-US': 'The API version `{name}` does not exist.',
    'zh-CN': '接口版本 `{name}` 不存在。',
  },
  action: {
    code: 'InvalidAction',
    'en-US': 'The API `{name}` does not exist.',
    'zh-CN': '接口 `{name}` 不存在。',
  },
  region: {
    code: 'InvalidParameterValue',
    'en-US': 'A value specified in `X-TC-Region` is not valid, is unsupported, or cannot be used.',
    'zh-CN': '`X-TC-Region` 的取值不合法、不支持或不可用。',
  },
  denied: {
    code: 'AuthFailure.UnauthorizedOperation',
    'en-US':
      'You are not authorized to perform this operation. Check your CAM policies, and ensure that you are using the correct access keys. [[request id:{requestId}]you are not authorized to perform operation (ssl:{name})\nresource (*) has no permission\n]',
    'zh-CN':
      '操作未授权，请检查CAM策略。[[request id:{requestId}]you are not authorized to perform operation (ssl:{name})\nresource (*) has no permission\n]',
  },
  internal: {
    code: 'InternalError',
    'en-US': 'An internal error has occurred. Retry your request, but if the problem persists, contact us.',
    'zh-CN': '内部错误。',
  },
  parse: {
    code: 'FailedOperation.CertificateParseError',
    'en-US':
      'Parsing failed. Please check whether the certificate meets the standard, and mind extra spaces.',
    'zh-CN': '解析失败，请检查证书是否符合标准，请留意是否有多余的空格',
  },
  invalid: {
    code: 'FailedOperation.CertificateInvalid',
    'en-US': 'The certificate format is wrong.',
    'zh-CN': '证书格式错误。',
  },
  mismatch: {
    code: 'FailedOperation.CertificateMatchError',
    'en-US': 'The certificate and the private key do not match, please check (mind extra spaces).',
    'zh-CN': '温馨提示：证书内容和私钥不匹配，请您核对（请留意是否有多余的空格）',
  },
  keyless: {
    code: 'InvalidParameter.MissMatchPrivateKey',
    'en-US': 'No matching private key.',
    'zh-CN': '没有匹配的私钥。',
  },
  chain: {
    code: 'FailedOperation.CertificateChainError',
    'en-US': 'The certificate chain check found an anomaly, please check every block of the certificate.',
    'zh-CN': '温馨提示：证书链检测异常，请核对每段证书是否存在异常',
  },
  authority: {
    code: 'FailedOperation.CertificateCaError',
    'en-US': 'The uploaded content is not a standard CA certificate, please check the certificate type.',
    'zh-CN': '温馨提示：上传的证书内容不符合CA证书的标准格式，请您核对证书类型是否有误',
  },
  nationalCurve: {
    code: 'FailedOperation.CertificateEncryptInvalid',
    'en-US': 'The content looks like an SM2 certificate and does not match the selected encryption standard.',
    'zh-CN': '温馨提示：上传的证书内容疑似国密标准证书，与所选加密标准不匹配',
  },
  certificateType: {
    code: 'InvalidParameter.WithDetailReason',
    'en-US': 'Parameter error: CertificateType is SVR or CA, not `{name}`.',
    'zh-CN': '参数有误：CertificateType 只能是 SVR 或 CA，不能是 `{name}`。',
  },
  exists: {
    code: 'FailedOperation.CertificateExists',
    'en-US': 'The certificate already exists.',
    'zh-CN': '证书已存在。',
  },
  notFound: {
    code: 'FailedOperation.CertificateNotFound',
    'en-US': 'Certificate does not exist.',
    'zh-CN': '证书不存在。',
  },
  parameter: {
    code: 'FailedOperation.InvalidParam',
    'en-US': 'Parameter error.',
    'zh-CN': '参数有误。',
  },
  // replacement, survey and deletion: the two texts that name domains are verbatim
  role: {
    code: 'FailedOperation.RoleNotFoundAuthorization',
    'en-US': 'The service role is missing. Authorize it in the console first.',
    'zh-CN': '服务角色不存在，请先在控制台授权。',
  },
  authError: {
    code: 'FailedOperation.AuthError',
    'en-US': 'You do not have permission to perform this operation.',
    'zh-CN': '您没有权限执行此操作。',
  },
  resourceType: {
    code: 'FailedOperation.CertificateHostResourceTypeInvalid',
    'en-US': 'The resource type `{name}` is invalid.',
    'zh-CN': '云资源类型 `{name}` 无效。',
  },
  hugeLimit: {
    code: 'FailedOperation.CertificateHostResourceInstanceHugeLimit',
    'en-US': 'There are too many cloud resource instances of type `{name}`.',
    'zh-CN': '云资源 `{name}` 实例数量过多。',
  },
  pendingRecord: {
    code: 'FailedOperation.CertificateDeployHasPendingRecord',
    'en-US': 'There is a deployment record that has not finished. Try again after it has.',
    'zh-CN': '存在未完成的部署记录，请稍后重试。',
  },
  instanceEmpty: {
    code: 'FailedOperation.CertificateDeployInstanceEmpty',
    'en-US':
      'No available instance was found, so the certificate cannot be updated. Check that its domains match the instances.',
    'zh-CN': '系统未检测到可用实例，无法更新证书，请您核对证书域名与云资源实例是否匹配。',
  },
  notDeployable: {
    code: 'FailedOperation.CertificateNotDeployInstance',
    'en-US': 'The certificate cannot be deployed to: {name}. Check that its domains match the instances.',
    'zh-CN': '证书不可以部署到实例下: {name}，请您核对证书域名与云资源实例是否匹配。',
  },
  notAllowed: {
    code: 'FailedOperation.CertificateHostDeployCanNotAllow',
    'en-US': 'One-click update is not allowed for this certificate.',
    'zh-CN': '当前证书不支持一键更新。',
  },
  recordUnknown: {
    code: 'FailedOperation.CertificateDeployNotExist',
    'en-US': 'The deployment record does not exist.',
    'zh-CN': '部署记录不存在。',
  },
  retryStatus: {
    code: 'FailedOperation.CertificateDeployRetryStatusInvalid',
    'en-US': 'Only a failed deployment record can be retried.',
    'zh-CN': '部署记录状态必须为失败才能重试。',
  },
  rollbackStatus: {
    code: 'FailedOperation.CertificateDeployRollbackStatusInvalid',
    'en-US': 'Only a successful deployment record can be rolled back.',
    'zh-CN': '部署记录状态必须为成功才能回滚。',
  },
  rollbackUnfinished: {
    code: 'FailedOperation.CertificateDeployDetailRollbackStatusInvalid',
    'en-US': 'Only a finished deployment record can be rolled back.',
    'zh-CN': '部署记录必须完成才能回滚。',
  },
  taskUnknown: {
    code: 'FailedOperation.CertificateSyncTaskIdInvalid',
    'en-US': 'The task ID is invalid.',
    'zh-CN': '任务ID无效。',
  },
  tooManyToSurvey: {
    code: 'FailedOperation.CertificateSyncTaskCertificateIdCountInvalid',
    'en-US': 'At most 100 certificate IDs are allowed.',
    'zh-CN': '证书ID数量不能超过100。',
  },
  tooManyToSilence: {
    code: 'InvalidParameter.CertificatesNumberExceeded',
    'en-US': 'The number of certificates exceeds the limit.',
    'zh-CN': '证书数量超出限制。',
  },
  bound: {
    code: 'FailedOperation.BoundResources',
    'en-US': 'The certificate is bound to cloud resources and cannot be deleted.',
    'zh-CN': '证书关联了云资源，无法删除。',
  },
  range: {
    code: 'InvalidParameter',
    'en-US': 'The value of parameter `{name}` is out of range.',
    'zh-CN': '参数 `{name}` 的取值超出范围。',
  },
  detail: {
    code: 'InvalidParameter.WithDetailReason',
    'en-US': 'Parameter error: {name}',
    'zh-CN': '参数有误：{name}',
  },
} as const

type Reason = keyof typeof API_ERRORS

type Details = Readonly<Record<string, string | number>>

export class ApiError extends Error {
  readonly reason: Reason
  readonly details: Details

  constructor(reason: Reason, details: Details = {}) {
    super(API_ERRORS[reason].code)
    this.reason = reason
    this.details = details
  }
}

/** As the service does, in English only if X-TC-Language asks for it. */
export function errorMessage(error: ApiError, language: string | undefined, requestId: string): string {
  const text = API_ERRORS[error.reason][language === 'en-US' ? 'en-US' : 'zh-CN']
  const details: Details = { ...error.details, requestId }
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ''))
}
