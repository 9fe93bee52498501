package apiserver_test

// everyField sets each field of the spec to something that is not its default.
const everyField = `
spec:
  channel: "{orders}"
  redis:
    addresses: ["sentinel-0.redis:26379", "sentinel-1.redis:26379"]
    mode: Sentinel
    masterName: mymaster
    database: 3
    credentialsSecretRef: {name: orders-redis}
    sentinelCredentialsSecretRef: {name: redis-sentinels}
    tls:
      enabled: true
      caSecretRef: {name: redis-ca}
      certSecretRef: {name: redis-client}
      serverName: redis.example.com
      insecureSkipVerify: false
  timeouts: {popSeconds: 3, handleSeconds: 5, retrySeconds: [5, 10, 60], drainSeconds: 45, onHandleTimeout: Cancel, onLateSuccess: Remove}
  maxAttempts: 2
  maxMessageBytes: 65536
  intake: {state: Closed, key: "shop:IS_PUSH_orders"}
  concurrency: 100
  maxMessages: 5000
  maxMemoryPercent: 80
  exclusive: false
  replicas: 10
  suspend: true
  autoscaling:
    minReplicas: 1
    maxReplicas: 20
    queueLength: {target: 30}
    waitTime: {targetSeconds: 45}
    scheduleAheadSeconds: 20
    idleSeconds: 90
    behavior:
      scaleUp: {stabilizationWindowSeconds: 5, selectPolicy: Min, policies: [{type: Pods, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]}
      scaleDown: {stabilizationWindowSeconds: 300, selectPolicy: Disabled, policies: [{type: Percent, value: 10, periodSeconds: 60}]}
  timeoutReload: {schedule: "*/5 * * * *", timeZone: Europe/Berlin, maxMessages: 500, maxReloads: 5, onWorkerLoss: OnSchedule}
  handler: {http: {url: "http://127.0.0.1:9000/jobs"}}
  template:
    metadata:
      labels: {team: shop}
      annotations: {example.com/owner: shop}
    spec:
      nodeSelector: {kubernetes.io/os: linux}
      volumes:
        - name: data
          emptyDir: {}
      containers:
        - name: worker
          image: example.com/worker:1
          env: [{name: LEVEL, value: debug}]
          envFrom: [{secretRef: {name: shop}}]
          resources: {limits: {memory: 64Mi}}
          volumeMounts: [{name: data, mountPath: /data}]
        - name: app
          image: example.com/app:1
          ports: [{containerPort: 9000}]
`

// everyFieldStored is what the API server makes of everyField: the same, with
// the one default inside Kubernetes' own container schema.
const everyFieldStored = `
channel: "{orders}"
redis:
  addresses: ["sentinel-0.redis:26379", "sentinel-1.redis:26379"]
  mode: Sentinel
  masterName: mymaster
  database: 3
  credentialsSecretRef: {name: orders-redis}
  sentinelCredentialsSecretRef: {name: redis-sentinels}
  tls:
    enabled: true
    caSecretRef: {name: redis-ca}
    certSecretRef: {name: redis-client}
    serverName: redis.example.com
    insecureSkipVerify: false
timeouts: {popSeconds: 3, handleSeconds: 5, retrySeconds: [5, 10, 60], drainSeconds: 45, onHandleTimeout: Cancel, onLateSuccess: Remove}
maxAttempts: 2
maxMessageBytes: 65536
intake: {state: Closed, key: "shop:IS_PUSH_orders"}
concurrency: 100
maxMessages: 5000
maxMemoryPercent: 80
exclusive: false
replicas: 10
suspend: true
autoscaling:
    minReplicas: 1
    maxReplicas: 20
    queueLength: {target: 30}
    waitTime: {targetSeconds: 45}
    scheduleAheadSeconds: 20
    idleSeconds: 90
    behavior:
      scaleUp: {stabilizationWindowSeconds: 5, selectPolicy: Min, policies: [{type: Pods, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]}
      scaleDown: {stabilizationWindowSeconds: 300, selectPolicy: Disabled, policies: [{type: Percent, value: 10, periodSeconds: 60}]}
timeoutReload: {schedule: "*/5 * * * *", timeZone: Europe/Berlin, maxMessages: 500, maxReloads: 5, onWorkerLoss: OnSchedule}
handler: {http: {url: "http://127.0.0.1:9000/jobs"}}
template:
  metadata:
    labels: {team: shop}
    annotations: {example.com/owner: shop}
  spec:
    initContainers: []
    nodeSelector: {kubernetes.io/os: linux}
    volumes:
      - name: data
        emptyDir: {}
    containers:
      - name: worker
        image: example.com/worker:1
        env: [{name: LEVEL, value: debug}]
        envFrom: [{secretRef: {name: shop}}]
        resources: {limits: {memory: 64Mi}}
        volumeMounts: [{name: data, mountPath: /data}]
      - name: app
        image: example.com/app:1
        ports: [{containerPort: 9000, protocol: TCP}]
`
