package bench;

import com.xxl.job.core.executor.XxlJobExecutor;
import com.xxl.job.core.handler.IJobHandler;
import com.xxl.job.core.log.XxlJobFileAppender;
import com.xxl.job.core.openapi.impl.ExecutorBizImpl;
import com.xxl.job.core.server.EmbedServer;
import com.xxl.job.core.thread.ExecutorRegistryThread;
import com.xxl.job.core.thread.TriggerCallbackThread;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * XXL-JOB's own executor without a framework: CONSOLE_URL PORT TOKEN LOG_FOLDER.
 *
 * <p>Its parts are started one by one, because its start() binds every interface and this one stays on 127.0.0.1.
 */
public final class Executor {
    private static final String HOST = "127.0.0.1";
    private static final String APP_NAME = "java-executor";
    private static final int LARGEST_BODY = 5 * 1024 * 1024;

    private Executor() {}

    public static void main(String[] arguments) throws Exception {
        String console = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        String token = arguments[2];
        XxlJobFileAppender.initLogPath(arguments[3]);
        connect(console, token);
        TriggerCallbackThread.getInstance().start();
        XxlJobExecutor.registryJobHandler("noop", new IJobHandler() {
            @Override
            public void execute() {}
        });
        listen(port, token);
        ExecutorRegistryThread.getInstance().start(APP_NAME, "http://" + HOST + ":" + port + "/");
    }

    private static void connect(String console, String token) throws Exception {
        Method connect =
                XxlJobExecutor.class.getDeclaredMethod("initAdminBizList", String.class, String.class, int.class);
        connect.setAccessible(true);
        connect.invoke(new XxlJobExecutor(), console, token, 3);
    }

    private static void listen(int port, String token) throws InterruptedException {
        ThreadPoolExecutor workers =
                new ThreadPoolExecutor(0, 200, 60, TimeUnit.SECONDS, new LinkedBlockingQueue<>(2000));
        new ServerBootstrap()
                .group(new NioEventLoopGroup(), new NioEventLoopGroup())
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    public void initChannel(SocketChannel channel) {
                        channel.pipeline()
                                .addLast(new HttpServerCodec())
                                .addLast(new HttpObjectAggregator(LARGEST_BODY))
                                .addLast(new EmbedServer.EmbedHttpServerHandler(new ExecutorBizImpl(), token, workers));
                    }
                })
                .bind(new InetSocketAddress(HOST, port))
                .sync();
    }
}
