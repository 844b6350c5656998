/** The errors of replacement, survey and deletion: code and text in both languages. Pure. */

/** The two texts that name domains are verbatim; the rest follows the public error tables. */
export const DEPLOY_ERRORS = {
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
