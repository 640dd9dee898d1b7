ask() {
  exec 3<>/dev/tcp/127.0.0.1/9901
  printf '%s HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n' "$1" >&3
  cat <&3
  exec 3<&-
}
sleep 5
ask 'POST /drain_listeners?graceful&skip_exit'
ask 'POST /healthcheck/fail'
for ((second = 0; second < 50; second++)); do
  [[ $(ask 'GET /stats?filter=^http.edge.downstream_rq_active$') =~ 'rq_active: 0' ]] && exit
  sleep 1
done
