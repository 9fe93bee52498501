# syntax=docker/dockerfile:1
# One file, two targets: `docker build --target manager .` and `docker build --target worker .`
# Both bases are build arguments, so that a mirror or another distribution can stand in.
ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY controllers/ controllers/
COPY internal/ internal/
COPY queue/ queue/
COPY worker/ worker/
ARG TARGETOS=linux
ARG TARGETARCH=amd64
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -tags grpcnotrace -ldflags "-s -w -X github.com/asyncqueue/operator/internal/version.Version=${VERSION}" \
    -o /out/ ./cmd/manager ./cmd/worker

FROM ${BASE_IMAGE} AS manager
COPY --from=build /out/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]

# The last target is what a plain `docker build .` makes: the image that users build their own on.
FROM ${BASE_IMAGE} AS worker
COPY --from=build /out/worker /worker
USER 65532:65532
ENTRYPOINT ["/worker"]
